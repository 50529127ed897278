// Entry of every page: the words' language from the address or the last visit, then the app.
import { mount } from 'svelte';
import './style.css';
import App from './page/App.svelte';
import { restoreLanguage } from './page/language';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
restoreLanguage();
mount(App, { target });
